/* Declarations only. */
#pragma once
#include "hal.h"
extern USART_TypeDef *const USART1;
extern USART_TypeDef *const USART3;
extern GPIO_TypeDef *const GPIOA;
extern GPIO_TypeDef *const GPIOB;
extern GPIO_TypeDef *const GPIOD;
#define GPIO_AF7_USART1 7u
#define GPIO_AF7_USART3 7u
void __HAL_RCC_USART1_CLK_ENABLE(void);
void __HAL_RCC_USART3_CLK_ENABLE(void);
void __HAL_RCC_GPIOA_CLK_ENABLE(void);
void __HAL_RCC_GPIOB_CLK_ENABLE(void);
void __HAL_RCC_GPIOD_CLK_ENABLE(void);
