/* The files that come out. */
#ifndef RIFFLE_BACKENDS_OUTPUT_OUTPUT_H
#define RIFFLE_BACKENDS_OUTPUT_OUTPUT_H

#include "backends/output/provenance.h"
#include "backends/program/options.h"
#include "backends/program/summary.h"
#include "backends/target/levels.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/graph.h"
#include "ir/text.h"

typedef struct ArchiveMember {
    const char *name; /* at most 15 bytes */
    Text contents;
    Splice splice; /* in the contents */
} ArchiveMember;

/* The object files of a library: code, in one or several, support code where a graph is given that
 * wants some, and weights. Returns how many, 0 after errors; the caller frees their contents. */
enum { MOST_LIBRARY_MEMBERS = MOST_LEVELS + MOST_LIBRARY_VARIANTS + 3 };
int library_members(
    const Graph *graph, const Program *program, ArchiveMember *members, Diagnostics *diagnostics);

/* An archive with a symbol index, in the form that the linkers of the object format read; dates and
 * owners zero. `symbols[i]` are the global symbol names that member_of[i] defines.
 * One member may have a splice, which becomes that of the archive. */
void archive_write(ObjectFormat format, const ArchiveMember *members, size_t member_count,
    const char *const *symbols, const size_t *member_of, size_t symbol_count, Text *out,
    Splice *splice);

/* What of several architectures goes into one file of Apple's: 64-bit ARM and x86-64. */
typedef struct UniversalPart {
    Architecture architecture;
    const Text *contents;
} UniversalPart;

/* Places in it have 32 bits. */
bool universal_fits(const UniversalPart *parts, size_t count);
void universal_write(const UniversalPart *parts, size_t count, Text *out);

/* A network and the program that was made of it. */
typedef struct LibraryPart {
    const Graph *graph;
    const Program *program;
} LibraryPart;

/* NAME.h: C99 and C++, self-contained. The second is for a library of so many variants. */
void header_write(const Graph *graph, const Program *program, Text *out);
void header_write_variants(const LibraryPart *parts, int count, Text *out);

/* NAME.json. */
void metadata_write(
    const Graph *graph, const Program *program, const Provenance *provenance, Text *out);
void metadata_write_variants(
    const LibraryPart *parts, int count, const Provenance *provenance, Text *out);

/* libNAME.a as bytes, with all levels and variants; the splice lives as long as the program. */
bool library_write(const Graph *graph, const Program *program, Text *out, Splice *splice,
    Diagnostics *diagnostics);

/* The linker for libNAME.so of the program: the one that was asked for (a program's name or path),
 * or, when that is NULL, the first one of the PATH that makes files for the target. NULL after
 * reporting that there is none, or that the target has no such libraries. */
const char *shared_library_linker(
    const Program *program, const char *asked, Diagnostics *diagnostics);

/* libNAME.so: all of libNAME.a, of which only functions that the header declares can be seen. The
 * bytes live as long as the program. */
bool shared_library_write(const Program *program, const char *linker, const Text *archive,
    const Splice *weights, Splice *out, Diagnostics *diagnostics);

/* The nvcc of $NVCC, of the PATH, of $CUDA_HOME, or where it is usually installed; NULL
 * when there is none. */
const char *cuda_find_nvcc(Arena *arena);

/* NAME.cu as code for the device alone, by that nvcc: `word` is cubin or fatbin. */
bool cuda_binary_write(const Graph *graph, const Program *program, const char *nvcc,
    const char *word, Text *out, Diagnostics *diagnostics);

/* libNAME.a, compiled by that nvcc and the C compiler of $CC or cc. */
bool cuda_library_write(const Graph *graph, const Program *program, const char *nvcc, Text *out,
    Splice *splice, Diagnostics *diagnostics);

#endif
