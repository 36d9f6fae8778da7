#pragma once
/* Where the network's image is in the frame: its point (x, y) is the frame's
 * (x * scale_x + offset_x, y * scale_y + offset_y). A pixel's centre is at half a pixel. */
struct riffle_mapping {
    float scale_x, scale_y, offset_x, offset_y;
};
