/* tg_port_stm32cube.c - the application's serial line and clock by ST's HAL; the chip stays at the clock it resets to
 * unless the program defines SystemClock_Config. */
#include "tg_port_stm32cube.h"

#include "tg_app.h"

static UART_HandleTypeDef uart;

void SystemClock_Config(void);
__attribute__((weak)) void SystemClock_Config(void) {}

void SysTick_Handler(void);
void SysTick_Handler(void) { HAL_IncTick(); }

/* Hands a pin to the UART. */
static void give_pin(GPIO_TypeDef *port, uint32_t pin, uint32_t function) {
    GPIO_InitTypeDef init = {0};
    init.Pin = pin;
    init.Mode = GPIO_MODE_AF_PP;
    init.Pull = GPIO_PULLUP;
    init.Speed = GPIO_SPEED_FREQ_HIGH;
    init.Alternate = function;
    HAL_GPIO_Init(port, &init);
}

void tg_port_start(void);
void tg_port_start(void) {
    (void)HAL_Init();
    SystemClock_Config();
    TG_UART_GPIO_CLOCK();
    TG_UART_CLOCK();
    give_pin(TG_UART_TX_GPIO, TG_UART_TX_PIN, TG_UART_TX_AF);
    give_pin(TG_UART_RX_GPIO, TG_UART_RX_PIN, TG_UART_RX_AF);
    uart.Instance = TG_UART;
    uart.Init.BaudRate = 115200;
    uart.Init.WordLength = UART_WORDLENGTH_8B;
    uart.Init.StopBits = UART_STOPBITS_1;
    uart.Init.Parity = UART_PARITY_NONE;
    uart.Init.Mode = UART_MODE_TX_RX;
    uart.Init.HwFlowCtl = UART_HWCONTROL_NONE;
    (void)HAL_UART_Init(&uart);
}

int tg_port_read(void) {
    uint8_t byte;
    return HAL_UART_Receive(&uart, &byte, 1, 1) == HAL_OK ? byte : -1;
}

void tg_port_write(const char *text, uint32_t bytes) {
    (void)HAL_UART_Transmit(&uart, (const uint8_t *)text, (uint16_t)bytes, HAL_MAX_DELAY);
}

/* The ticks are milliseconds; SysTick, which makes them, counts down in between (Armv6-M ARM, B3.3: RVR, CVR). */
uint32_t tg_port_micros(void) {
    const uint32_t period = *(volatile uint32_t *)0xe000e014u + 1u;
    uint32_t ticks;
    uint32_t left;
    do {
        ticks = HAL_GetTick();
        left = *(volatile uint32_t *)0xe000e018u;
    } while (ticks != HAL_GetTick());
    return 1000u * ticks + (period - 1u - left) / ((period + 999u) / 1000u);
}
