/* tg_port_stm32cube.c - the application's serial line and clock by ST's HAL; the chip stays at the clock it resets to
 * unless the program defines SystemClock_Config. */
#include "tg_port_stm32cube.h"

#include "tg_app.h"

static UART_HandleTypeDef uart;

void SystemClock_Config(void);
__attribute__((weak)) void SystemClock_Config(void) {}

void SysTick_Handler(void);
void SysTick_Handler(void) { HAL_IncTick(); }

void tg_port_start(void);
void tg_port_start(void) {
    GPIO_InitTypeDef pins = {0};
    (void)HAL_Init();
    SystemClock_Config();
    TG_UART_GPIO_CLOCK();
    TG_UART_CLOCK();
    pins.Pin = TG_UART_PINS;
    pins.Mode = GPIO_MODE_AF_PP;
    pins.Pull = GPIO_PULLUP;
    pins.Speed = GPIO_SPEED_FREQ_HIGH;
    pins.Alternate = TG_UART_AF;
    HAL_GPIO_Init(TG_UART_GPIO, &pins);
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

uint32_t tg_port_micros(void) { return 1000u * HAL_GetTick(); }
