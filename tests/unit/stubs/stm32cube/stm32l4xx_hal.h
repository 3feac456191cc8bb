/* Declarations only. */
#pragma once
#include "hal.h"
extern USART_TypeDef *const LPUART1;
extern GPIO_TypeDef *const GPIOG;
#define GPIO_AF8_LPUART1 8u
void __HAL_RCC_LPUART1_CLK_ENABLE(void);
void __HAL_RCC_GPIOG_CLK_ENABLE(void);
void __HAL_RCC_PWR_CLK_ENABLE(void);
void HAL_PWREx_EnableVddIO2(void);
