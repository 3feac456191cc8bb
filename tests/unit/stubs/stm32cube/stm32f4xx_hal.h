/* Declarations only. */
#pragma once
#include "hal.h"
extern USART_TypeDef *const USART2;
extern GPIO_TypeDef *const GPIOA;
#define GPIO_AF7_USART2 7u
void __HAL_RCC_USART2_CLK_ENABLE(void);
void __HAL_RCC_GPIOA_CLK_ENABLE(void);
