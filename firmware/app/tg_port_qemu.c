/* tg_port_qemu.c - the application's serial line and clock on QEMU's machines; the build names both by TG_SIM_UART, its address,
 * and by the kind and address of a clock (tg_sim.h). Registers: Arm DDI 0479 (CMSDK), Nordic's nRF51 reference manual, 16550. */
#include "tg_app.h"
#include "tg_sim.h"

#define REGISTER(offset) (*(volatile uint32_t *)(uintptr_t)(TG_SIM_UART + (offset)))
#define BYTE(offset) (*(volatile uint8_t *)(uintptr_t)(TG_SIM_UART + (offset)))

void tg_port_start(void);

#if defined(TG_SIM_UART_CMSDK)

void tg_port_start(void) {
    REGISTER(0x10) = 16; /* BAUDDIV, the smallest */
    REGISTER(0x08) = 3;  /* CTRL: transmitter and receiver on */
}

int tg_port_read(void) { return (REGISTER(0x04) & 2u) != 0 ? (int)(REGISTER(0x00) & 0xffu) : -1; }

static void send(uint8_t byte) {
    while ((REGISTER(0x04) & 1u) != 0) {
    }
    REGISTER(0x00) = byte;
}

#elif defined(TG_SIM_UART_NRF)

void tg_port_start(void) {
    REGISTER(0x500) = 4;          /* ENABLE */
    REGISTER(0x524) = 0x01d7e000; /* BAUDRATE: 115200 */
    REGISTER(0x000) = 1;          /* STARTRX */
    REGISTER(0x008) = 1;          /* STARTTX */
}

int tg_port_read(void) {
    if (REGISTER(0x108) == 0) { /* RXDRDY */
        return -1;
    }
    REGISTER(0x108) = 0;
    return (int)(REGISTER(0x518) & 0xffu);
}

static void send(uint8_t byte) {
    REGISTER(0x11c) = 0; /* TXDRDY */
    REGISTER(0x51c) = byte;
    while (REGISTER(0x11c) == 0) {
    }
}

#elif defined(TG_SIM_UART_16550)

void tg_port_start(void) {
    BYTE(1) = 0; /* no interrupts */
    BYTE(2) = 7; /* FIFOs on and empty */
    BYTE(3) = 3; /* 8 bits, no parity */
}

int tg_port_read(void) { return (BYTE(5) & 1u) != 0 ? BYTE(0) : -1; }

static void send(uint8_t byte) {
    while ((BYTE(5) & 0x20u) == 0) {
    }
    BYTE(0) = byte;
}

#else
#error "tg_port_qemu.c: define TG_SIM_UART_CMSDK, TG_SIM_UART_NRF or TG_SIM_UART_16550, and TG_SIM_UART"
#endif

void tg_port_write(const char *text, uint32_t bytes) {
    for (uint32_t i = 0; i < bytes; i++) {
        send((uint8_t)text[i]);
    }
}

uint32_t tg_port_micros(void) { return (uint32_t)(tg_clock() / (TG_SIM_CLOCK_HZ / 1000000u)); }
