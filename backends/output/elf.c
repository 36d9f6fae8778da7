/* Reads files in the executable and linkable format. */
#include "backends/output/elf.h"

#include <elf.h>
#include <string.h>

int64_t elf_instruction_bytes(const Text *file) {
    Elf64_Ehdr header;
    if (file->length < sizeof header)
        return -1;
    memcpy(&header, file->data, sizeof header);
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64)
        return -1;
    int64_t bytes = 0;
    for (size_t i = 0; i < header.e_shnum; i++) {
        Elf64_Shdr section;
        size_t at = header.e_shoff + i * sizeof section;
        if (at + sizeof section > file->length)
            return -1;
        memcpy(&section, file->data + at, sizeof section);
        if (section.sh_type == SHT_PROGBITS && (section.sh_flags & SHF_EXECINSTR) != 0)
            bytes += (int64_t)section.sh_size;
    }
    return bytes;
}
