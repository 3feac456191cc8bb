/* tg_port_stm32cube.h - which UART of a Nucleo board goes to its ST-LINK's serial port (ST's user manuals UM1724, UM2179,
 * UM2407), and the HAL of the chip's family. Another board defines the TG_UART names itself. */
#ifndef TG_PORT_STM32CUBE_H
#define TG_PORT_STM32CUBE_H

#if defined(STM32F401xE) || defined(STM32F446xx)
#include "stm32f4xx_hal.h"
#define TG_UART USART2
#define TG_UART_CLOCK() __HAL_RCC_USART2_CLK_ENABLE()
#define TG_UART_GPIO_CLOCK() __HAL_RCC_GPIOA_CLK_ENABLE()
#define TG_UART_GPIO GPIOA
#define TG_UART_PINS (GPIO_PIN_2 | GPIO_PIN_3)
#define TG_UART_AF GPIO_AF7_USART2
#elif defined(STM32L4R5xx)
#include "stm32l4xx_hal.h"
#define TG_UART LPUART1
#define TG_UART_CLOCK() __HAL_RCC_LPUART1_CLK_ENABLE()
#define TG_UART_GPIO_CLOCK()          \
    do {                              \
        __HAL_RCC_GPIOG_CLK_ENABLE(); \
        __HAL_RCC_PWR_CLK_ENABLE();   \
        HAL_PWREx_EnableVddIO2();     \
    } while (0)
#define TG_UART_GPIO GPIOG
#define TG_UART_PINS (GPIO_PIN_7 | GPIO_PIN_8)
#define TG_UART_AF GPIO_AF8_LPUART1
#elif defined(STM32H743xx)
#include "stm32h7xx_hal.h"
#define TG_UART USART3
#define TG_UART_CLOCK() __HAL_RCC_USART3_CLK_ENABLE()
#define TG_UART_GPIO_CLOCK() __HAL_RCC_GPIOD_CLK_ENABLE()
#define TG_UART_GPIO GPIOD
#define TG_UART_PINS (GPIO_PIN_8 | GPIO_PIN_9)
#define TG_UART_AF GPIO_AF7_USART3
#else
#error "tg_port_stm32cube.h: name this board's UART (TG_UART and the names beside it) and include its HAL"
#endif

#endif
