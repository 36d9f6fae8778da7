#include "tests/fuzz/dictionary.h"

#include "ir/graph.h"
#include "ir/kernel.h"
#include "passes/passes.h"
#include <ctype.h>
#include <string.h>

/* What the tables of riffle do not hold, words with spaces between them: marks and keywords. */
static const char *const words[READER_COUNT] = {
    [READER_SPEC] = "network unit input output answer labels let repeat for in if then else scope "
                    "import return "
                    "named assert fail nchw nhwc true false and or not f32 |> @ .. // == != <= >= "
                    "\" { } ( ) [ ] , = : # 2147483648 9223372036854775807 1e308 enumerate pixels",
    [READER_JSON] = "{ } [ ] : , \" true false null \\u0000 \\ud800 1e308 -1 9223372036854775808",
    [READER_RIR] =
        "graph input output answer labels weight tanh_boxes exp_boxes predictions strides % @ "
        "= : -> { } [ ] , \" f32 f16 bf16 i8 u8 nhwc inf "
        "nan \\x0A \\xFF \\x22 2147483648 9223372036854775807",
    [READER_SAFETENSORS] =
        "__metadata__ \"dtype\" \"shape\" \"data_offsets\" F32 F16 BF16 F64 I8 "
        "BOOL { } [ ] : , a.b.weight a.c.running_mean d.bias 18446744073709551615",
    [READER_PTH] =
        "storage cpu FloatStorage HalfStorage BFloat16Storage DoubleStorage LongStorage "
        "ctorch._utils\n_rebuild_tensor_v2\n ccollections\nOrderedDict\n cos\nsystem\n "
        "_rebuild_parameter _metadata little_endian data.pkl data/0 byteorder (( )R tQ tR "
        "}( ]( u. \x85 \x86 \x87 \x89 \x93 \x94 \x95 \x80\x04 q h r j \xff\xff\xff\x7f "
        "PK\x01\x02 PK\x03\x04 PK\x05\x06 PK\x06\x06 PK\x06\x07",
    [READER_PIPELINE] = "O0 O1 O2 { } , = true false -1 9223372036854775807",
    [READER_ONNX] =
        "Conv BatchNormalization Relu Clip MaxPool AveragePool GlobalAveragePool Concat "
        "Split Reshape Transpose Gemm MatMul Add Mul Flatten ReduceMean Slice Gather "
        "Constant Shape Unsqueeze Softmax HardSigmoid HardSwish Sigmoid Identity Pad "
        "perm axis axes group pads strides kernel_shape dilations auto_pad ai.onnx",
    [READER_NCNN] =
        "7767517 Input Convolution ConvolutionDepthWise InnerProduct Pooling BatchNorm Scale Slice "
        "Concat Crop Split ShuffleChannel Interp Permute Reshape Eltwise BinaryOp UnaryOp Padding "
        "Reduction Deconvolution PReLU Softmax PixelShuffle Reorg Squeeze ExpandDims MemoryData "
        "-233 -234 -23300= -23309= -23310= -23311= 0= 1= 2= 6= 9=3 =-1 2147483648 1e30 "
        "Gk0\x01",
    [READER_TUNING] = "riffle tuning for tile link outputs, pixels, taps: pixels x vectors joined "
                      "apart : # conv -> at groups 2147483648",
    [READER_RKIR] =
        "program buffer step kernel items threads as for if let step lanes .. floats of "
        "room packed read write update weights table begin0 end1 local0 shared0 min( "
        "max( v0 v1 .4 .8u8 = < + * / % [ ] ( ) { } , f32 s32 s16 u8 bf16 inf nan "
        "9223372036854775807 1048575",
    [READER_RULES] =
        "rewrite where let => @ |> any like first.weight second.bias users( channels( dims( has( "
        "keeps( formula( follow( per_output( per_input( matmul( sum_taps( reshape( activation and "
        "or not in if then else == != <= // % [ ] ( ) { } , 9223372036854775807 1e308",
    [READER_PICTURE] = "IHDR IDAT IEND PLTE tRNS gAMA sRGB iCCP cHRM sBIT JFIF Adobe Exif",
};

static void append_word(Text *dictionary, const char *word, size_t length) {
    text_append(dictionary, "\"");
    for (size_t i = 0; i < length; i++) {
        bool plain = isalnum((unsigned char)word[i]) || word[i] == '_';
        text_format(dictionary, plain ? "%c" : "\\x%02x", (unsigned char)word[i]);
    }
    text_append(dictionary, "\"\n");
}

static void append_ops(Text *dictionary) {
    for (int op = 0; op < OP_COUNT; op++) {
        const OpInfo *info = op_info((OpKind)op);
        append_word(dictionary, info->name, strlen(info->name));
        for (int i = 0; i < info->attribute_count; i++) {
            const OpAttribute *attribute = &info->attributes[i];
            append_word(dictionary, attribute->name, strlen(attribute->name));
        }
        for (int i = 0; i < info->weight_count; i++)
            append_word(dictionary, info->weights[i].name, strlen(info->weights[i].name));
    }
}

static void append_passes(Text *dictionary) {
    size_t count;
    const Pass *passes = pass_table(&count);
    for (size_t i = 0; i < count; i++) {
        append_word(dictionary, passes[i].name, strlen(passes[i].name));
        for (int k = 0; k < passes[i].option_count; k++)
            append_word(dictionary, passes[i].options[k].name, strlen(passes[i].options[k].name));
    }
}

void reader_dictionary(ReaderKind kind, Text *dictionary) {
    for (const char *at = words[kind]; *at != '\0';) {
        size_t length = strcspn(at, " ");
        append_word(dictionary, at, length);
        at += length + strspn(at + length, " ");
    }
    if (kind == READER_SPEC || kind == READER_JSON || kind == READER_RIR)
        append_ops(dictionary);
    for (int i = 0; kind == READER_RKIR && i < INSTRUCTION_COUNT; i++) {
        const char *name = instruction_info((InstructionKind)i)->name;
        append_word(dictionary, name, strlen(name));
    }
    if (kind == READER_PIPELINE)
        append_passes(dictionary);
}
