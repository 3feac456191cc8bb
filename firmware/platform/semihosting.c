/* semihosting.c - files on the host through semihosting: BKPT 0xAB on Cortex-M, the three-instruction sequence on RISC-V;
 * with TG_MAILBOX the same calls through three words of RAM, for simulators that have memory to read and nothing else. */
#include "tg_sim.h"

enum { SYS_OPEN = 0x01, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_EXIT_EXTENDED = 0x20, SYS_ELAPSED = 0x30 };
enum { APPLICATION_EXIT = 0x20026 };

#if defined(TG_MAILBOX)
/* The host writes the result, then clears the operation. */
extern volatile uint32_t tg_mailbox[3];
volatile uint32_t tg_mailbox[3]; /* operation, arguments, result */
#endif

static uint32_t __attribute__((noinline)) semihost(uint32_t operation, const void *arguments) {
#if defined(TG_MAILBOX)
    tg_mailbox[1] = (uint32_t)(uintptr_t)arguments;
    __asm__ volatile("" ::: "memory");
    tg_mailbox[0] = operation;
    while (tg_mailbox[0] != 0) {
    }
    __asm__ volatile("" ::: "memory");
    return tg_mailbox[2];
#elif defined(__riscv)
    register uint32_t a0 __asm__("a0") = operation;
    register const void *a1 __asm__("a1") = arguments;
    __asm__ volatile(".option push\n\t"
                     ".option norvc\n\t"
                     ".balign 16\n\t"
                     "slli x0, x0, 0x1f\n\t"
                     "ebreak\n\t"
                     "srai x0, x0, 7\n\t"
                     ".option pop"
                     : "+r"(a0)
                     : "r"(a1)
                     : "memory");
    return a0;
#else
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = arguments;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
#endif
}

static uint32_t word(const void *pointer) { return (uint32_t)(uintptr_t)pointer; }

int tg_open(const char *name, int for_writing) {
    uint32_t length = 0;
    uint32_t arguments[3];
    while (name[length] != '\0') {
        length++;
    }
    arguments[0] = word(name);
    arguments[1] = for_writing ? 5 : 1; /* "wb" : "rb" */
    arguments[2] = length;
    return (int)semihost(SYS_OPEN, arguments);
}

uint32_t tg_read(int file, void *to, uint32_t bytes) {
    uint32_t arguments[3];
    arguments[0] = (uint32_t)file;
    arguments[1] = word(to);
    arguments[2] = bytes;
    return bytes - semihost(SYS_READ, arguments);
}

void tg_write(int file, const void *from, uint32_t bytes) {
    uint32_t arguments[3];
    arguments[0] = (uint32_t)file;
    arguments[1] = word(from);
    arguments[2] = bytes;
    (void)semihost(SYS_WRITE, arguments);
}

void tg_exit(int code) {
    uint32_t arguments[2];
    arguments[0] = APPLICATION_EXIT;
    arguments[1] = (uint32_t)code;
    for (;;) {
        (void)semihost(SYS_EXIT_EXTENDED, arguments);
    }
}

uint64_t tg_host_clock(void) {
    uint32_t ticks[2] = {0, 0};
    (void)semihost(SYS_ELAPSED, ticks);
    return ((uint64_t)ticks[1] << 32) | ticks[0];
}
