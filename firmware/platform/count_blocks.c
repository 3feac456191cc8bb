/* count_blocks.c - counts instructions in unicorn's block hook; a library of the host, for the simulator's own use. */
#include <stdint.h>

typedef struct {
    const uint8_t *code; /* the board's flash as loaded */
    uint64_t start;
    uint64_t bytes;
    uint64_t count;
    uint64_t thumb; /* Thumb's lengths, else RISC-V's */
} tg_block_counter;

void tg_count_block(void *engine, uint64_t address, uint32_t size, void *user);

void tg_count_block(void *engine, uint64_t address, uint32_t size, void *user) {
    tg_block_counter *counter = (tg_block_counter *)user;
    uint64_t at = address - counter->start;
    const uint64_t end = at + size;
    (void)engine;
    if (end > counter->bytes) {
        return;
    }
    while (at < end) {
        const unsigned half = (unsigned)counter->code[at] | (unsigned)counter->code[at + 1] << 8;
        const int wide = counter->thumb != 0 ? (half >> 11) >= 0x1du : (half & 3u) == 3u;
        at += wide ? 4 : 2;
        counter->count++;
    }
}
