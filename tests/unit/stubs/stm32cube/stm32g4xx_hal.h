/* Declarations only. */
#pragma once
#include "hal.h"
extern USART_TypeDef *const LPUART1;
extern GPIO_TypeDef *const GPIOA;
#define GPIO_AF12_LPUART1 12u
void __HAL_RCC_LPUART1_CLK_ENABLE(void);
void __HAL_RCC_GPIOA_CLK_ENABLE(void);
