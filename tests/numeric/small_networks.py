"""Small networks as templates, which the tests of each precision fill in."""

WINDOWS = """network windows {{
    input image: f32[2, 3, {size}, {size} + 4]
    x = image |> conv({channels}, 3, stride = 2, padding = 1) @ a |> relu |> max_pool(3, stride = 2, padding = 1)
    y = x |> depthwise(3, padding = 1) @ b |> conv({channels}, 1) @ c |> relu
    z = y |> depthwise(3, stride = 2, padding = 1) @ d |> conv(7, 1) @ e
    output z = z
    output w = x |> conv(9, 3, padding = 1) @ f
}}
"""

UNITS = """network units {{
    input image: f32[1, 10, 9, 7]
    x = image |> conv({channels}, 1) @ a |> relu
    let keep, work = split(x, 2)
    work = work |> conv({channels} / 2, 1) @ b |> relu |> depthwise(3, padding = 1) @ c |> conv({channels} / 2, 1) @ d |> relu
    x = concat(keep, work) |> shuffle(2)
    x = x |> conv({channels}, 1, groups = 2) @ e |> relu |> shuffle(2)
    output y = x |> conv(11, 1) @ f
}}
"""
