/* Declarations only. */
#pragma once
#include "hal.h"
extern USART_TypeDef *const USART1;
extern USART_TypeDef *const USART2;
extern USART_TypeDef *const LPUART1;
extern GPIO_TypeDef *const GPIOA;
extern GPIO_TypeDef *const GPIOB;
extern GPIO_TypeDef *const GPIOG;
#define GPIO_AF3_USART2 3u
#define GPIO_AF7_USART1 7u
#define GPIO_AF7_USART2 7u
#define GPIO_AF8_LPUART1 8u
void __HAL_RCC_USART1_CLK_ENABLE(void);
void __HAL_RCC_USART2_CLK_ENABLE(void);
void __HAL_RCC_LPUART1_CLK_ENABLE(void);
void __HAL_RCC_GPIOA_CLK_ENABLE(void);
void __HAL_RCC_GPIOB_CLK_ENABLE(void);
void __HAL_RCC_GPIOG_CLK_ENABLE(void);
void __HAL_RCC_PWR_CLK_ENABLE(void);
void HAL_PWREx_EnableVddIO2(void);
