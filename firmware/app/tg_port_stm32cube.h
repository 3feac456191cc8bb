/* tg_port_stm32cube.h - which UART of a board goes to its ST-LINK's serial port (ST's user manuals UM1724, UM1974, UM2179,
 * UM2407, UM1956, UM2324, UM2505 for Nucleo boards, UM2153 and UM1907 for Discovery kits), and the HAL of the chip's family.
 * Chosen by chip: another board with the same chip defines the TG_UART names itself. */
#ifndef TG_PORT_STM32CUBE_H
#define TG_PORT_STM32CUBE_H

#if defined(STM32F401xE) || defined(STM32F411xE) || defined(STM32F446xx) || defined(STM32F429xx)
#include "stm32f4xx_hal.h"
#elif defined(STM32F746xx) || defined(STM32F767xx)
#include "stm32f7xx_hal.h"
#elif defined(STM32G0B1xx)
#include "stm32g0xx_hal.h"
#elif defined(STM32G474xx)
#include "stm32g4xx_hal.h"
#elif defined(STM32H743xx)
#include "stm32h7xx_hal.h"
#elif defined(STM32L432xx) || defined(STM32L475xx) || defined(STM32L476xx) || defined(STM32L4R5xx)
#include "stm32l4xx_hal.h"
#endif

#if defined(STM32F401xE) || defined(STM32F411xE) || defined(STM32F446xx) || defined(STM32L476xx) || defined(STM32L432xx)
#define TG_UART USART2
#define TG_UART_CLOCK() __HAL_RCC_USART2_CLK_ENABLE()
#define TG_UART_GPIO_CLOCK() __HAL_RCC_GPIOA_CLK_ENABLE()
#define TG_UART_TX_GPIO GPIOA
#define TG_UART_TX_PIN GPIO_PIN_2
#define TG_UART_TX_AF GPIO_AF7_USART2
#define TG_UART_RX_GPIO GPIOA
#if defined(STM32L432xx) /* Nucleo-32 has its receiver on another pin */
#define TG_UART_RX_PIN GPIO_PIN_15
#define TG_UART_RX_AF GPIO_AF3_USART2
#else
#define TG_UART_RX_PIN GPIO_PIN_3
#define TG_UART_RX_AF GPIO_AF7_USART2
#endif
#elif defined(STM32F429xx) || defined(STM32F767xx) || defined(STM32H743xx)
#define TG_UART USART3
#define TG_UART_CLOCK() __HAL_RCC_USART3_CLK_ENABLE()
#define TG_UART_GPIO_CLOCK() __HAL_RCC_GPIOD_CLK_ENABLE()
#define TG_UART_TX_GPIO GPIOD
#define TG_UART_TX_PIN GPIO_PIN_8
#define TG_UART_TX_AF GPIO_AF7_USART3
#define TG_UART_RX_GPIO GPIOD
#define TG_UART_RX_PIN GPIO_PIN_9
#define TG_UART_RX_AF GPIO_AF7_USART3
#elif defined(STM32G0B1xx) || defined(STM32G474xx)
#define TG_UART LPUART1
#define TG_UART_CLOCK() __HAL_RCC_LPUART1_CLK_ENABLE()
#define TG_UART_GPIO_CLOCK() __HAL_RCC_GPIOA_CLK_ENABLE()
#define TG_UART_TX_GPIO GPIOA
#define TG_UART_TX_PIN GPIO_PIN_2
#define TG_UART_RX_GPIO GPIOA
#define TG_UART_RX_PIN GPIO_PIN_3
#if defined(STM32G0B1xx)
#define TG_UART_TX_AF GPIO_AF6_LPUART1
#define TG_UART_RX_AF GPIO_AF6_LPUART1
#else
#define TG_UART_TX_AF GPIO_AF12_LPUART1
#define TG_UART_RX_AF GPIO_AF12_LPUART1
#endif
#elif defined(STM32L4R5xx)
#define TG_UART LPUART1
#define TG_UART_CLOCK() __HAL_RCC_LPUART1_CLK_ENABLE()
#define TG_UART_GPIO_CLOCK()          \
    do {                              \
        __HAL_RCC_GPIOG_CLK_ENABLE(); \
        __HAL_RCC_PWR_CLK_ENABLE();   \
        HAL_PWREx_EnableVddIO2();     \
    } while (0)
#define TG_UART_TX_GPIO GPIOG
#define TG_UART_TX_PIN GPIO_PIN_7
#define TG_UART_TX_AF GPIO_AF8_LPUART1
#define TG_UART_RX_GPIO GPIOG
#define TG_UART_RX_PIN GPIO_PIN_8
#define TG_UART_RX_AF GPIO_AF8_LPUART1
#elif defined(STM32F746xx) || defined(STM32L475xx)
#define TG_UART USART1
#define TG_UART_CLOCK() __HAL_RCC_USART1_CLK_ENABLE()
#define TG_UART_GPIO_CLOCK()          \
    do {                              \
        __HAL_RCC_GPIOA_CLK_ENABLE(); \
        __HAL_RCC_GPIOB_CLK_ENABLE(); \
    } while (0)
#if defined(STM32F746xx)
#define TG_UART_TX_GPIO GPIOA
#define TG_UART_TX_PIN GPIO_PIN_9
#else
#define TG_UART_TX_GPIO GPIOB
#define TG_UART_TX_PIN GPIO_PIN_6
#endif
#define TG_UART_TX_AF GPIO_AF7_USART1
#define TG_UART_RX_GPIO GPIOB
#define TG_UART_RX_PIN GPIO_PIN_7
#define TG_UART_RX_AF GPIO_AF7_USART1
#else
#error "tg_port_stm32cube.h: name this board's UART (TG_UART and the names beside it) and include its HAL"
#endif

#endif
