/* Declarations only. */
#pragma once
#ifdef __cplusplus
extern "C"
#endif
int atexit(void (*function)(void));
