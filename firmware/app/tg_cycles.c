/* tg_cycles.c - see tg_cycles.h. Registers go by address, so that no vendor's header is needed. */
#include "tg_cycles.h"

#if defined(ESP_PLATFORM)
#include "esp_idf_version.h"
#endif

#if defined(ESP_PLATFORM) && ESP_IDF_VERSION_MAJOR >= 5
#include "esp_cpu.h"
static void start(void) {}
static uint32_t counter(void) { return (uint32_t)esp_cpu_get_cycle_count(); }

#elif defined(__XTENSA__)
static void start(void) {}
static uint32_t counter(void) {
    uint32_t value;
    __asm__ volatile("rsr %0, ccount" : "=a"(value));
    return value;
}

#elif defined(__riscv) && !defined(ESP_PLATFORM) /* the ESP32-C3 has no mcycle */
static void start(void) { __asm__ volatile("csrci 0x320, 1"); /* mcountinhibit.CY */ }
static uint32_t counter(void) {
    uint32_t value;
    __asm__ volatile("csrr %0, 0xb00" : "=r"(value)); /* mcycle */
    return value;
}

#elif defined(__ARM_ARCH_7M__) || defined(__ARM_ARCH_7EM__) || defined(__ARM_ARCH_8M_MAIN__) || \
    defined(__ARM_ARCH_8_1M_MAIN__)
#if !defined(TG_REGISTER)
#define TG_REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))
#endif
#define DEMCR TG_REGISTER(0xe000edfcu)
#define DWT_CTRL TG_REGISTER(0xe0001000u)
#define DWT_CYCCNT TG_REGISTER(0xe0001004u)
#define DWT_LAR TG_REGISTER(0xe0001fb0u)
static void start(void) {
    DEMCR |= 1u << 24; /* TRCENA: the DWT is not there before */
#if defined(__ARM_ARCH_7EM__)
    DWT_LAR = 0xc5acce55u; /* Cortex-M7's software lock; nothing elsewhere */
#endif
    if ((DWT_CTRL & 1u << 25) == 0) { /* NOCYCCNT */
        DWT_CTRL |= 1u;               /* CYCCNTENA */
    }
}
static uint32_t counter(void) { return DWT_CYCCNT; }

#else
static void start(void) {}
static uint32_t counter(void) { return 0; }
#endif

static int counts;

void tg_cycles_start(void) {
    start();
    const uint32_t before = counter();
    for (volatile int i = 0; i < 16; i++) { /* long enough for any counter that counts */
    }
    counts = counter() != before;
}

uint32_t tg_cycles_read(void) { return counts ? counter() : tg_port_micros(); }

const char *tg_cycles_unit(void) { return counts ? "cycles" : "us"; }

int tg_cycles_are_cycles(void) { return counts; }
