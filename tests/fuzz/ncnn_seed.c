#include "tests/fuzz/ncnn_seed.h"

#include <stdint.h>

/* A unit of ShuffleNet V2, a gate, a neck and a head, in ncnn's layers. */
static const char text[] =
    "7767517\n"
    "31 37\n"
    "Input data 0 1 data 0=4 1=4 2=3\n"
    "Convolution conv 1 1 data a 0=4 1=3 4=1 5=1 6=108 9=2 -23310=1,1.000000e-01\n"
    "BatchNorm norm 1 1 a b 0=4 1=1.000000e-05\n"
    "Slice halves 1 2 b c d -23300=2,2,-233 1=0\n"
    "ConvolutionDepthWise deep 1 1 d e 0=2 1=3 4=-233 6=18 7=2 9=3 -23310=2,0.0,6.0\n"
    "Concat joined 2 1 c e f 0=0\n"
    "ShuffleChannel shuffle 1 1 f g 0=2 1=1\n"
    "Split twice 1 3 g h i j\n"
    "Pooling mean 1 1 h k 0=1 4=1\n"
    "InnerProduct gate 1 1 k l 0=4 1=1 2=16 9=4\n"
    "BinaryOp gated 2 1 i l m 0=2\n"
    "Interp larger 1 1 m n 0=1 1=2.0 2=2.0\n"
    "Pooling smaller 1 1 n o 0=0 1=3 2=2 3=1 5=1\n"
    "Eltwise sum 2 1 o j p 0=1 -23301=2,0.5,-1.0\n"
    "HardSwish hard 1 1 p q 0=2.000000e-01 1=5.000000e-01\n"
    "Crop crop 1 1 q r -23309=1,1 -23310=1,4 -23311=1,0\n"
    "Permute last 1 1 r s 0=3\n"
    "Reshape rows 1 1 s t 0=3 1=-1\n"
    "Softmax soft 1 1 t u 0=1 1=1\n"
    "MemoryData one 0 1 v 0=1\n"
    "BinaryOp scaled 2 1 u v w 0=0\n"
    "Squeeze squeeze 1 1 w x -23303=1,0\n"
    "UnaryOp root 1 1 x y 0=5\n"
    "Dropout none 1 1 y z\n"
    "Split again 1 3 b aa ab ac\n"
    "Deconvolution up 1 1 aa ad 0=2 1=2 3=2 6=32 9=1\n"
    "Interp between 1 1 ad ae 0=2 3=5 4=6\n"
    "Reduction sums 1 1 ae af 0=2 1=0 -23303=1,1 4=1\n"
    "GroupNorm groups 1 1 ab ag 0=2 1=4 2=1.000000e-03\n"
    "PReLU slopes 1 1 ag ah 0=4\n"
    "Padding reflected 1 1 ac ai 0=1 1=1 2=1 3=1 4=2\n";

static void append_floats(Text *seed, int count) {
    for (int i = 0; i < count; i++)
        text_append_bytes(seed, &(float){0.5f}, sizeof(float));
}

void ncnn_seed(Text *seed) {
    static const uint32_t floats = 0, halves = 0x01306B47;
    text_append_bytes(seed, text, sizeof text); /* the byte 0, too */
    text_append_bytes(seed, &floats, sizeof floats);
    append_floats(seed, 108 + 4 + 16);
    text_append_bytes(seed, &halves, sizeof halves);
    append_floats(seed, 18 / 2);
    text_append_bytes(seed, &floats, sizeof floats);
    append_floats(seed, 16 + 4 + 1);
    text_append_bytes(seed, &floats, sizeof floats);
    append_floats(seed, 32 + 4 + 4 + 4);
}
