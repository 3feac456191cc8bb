/* Declarations only. */
#pragma once
#include <stddef.h>
#ifdef __cplusplus
extern "C" {
#endif
typedef struct stdio_file FILE;
extern FILE *stdin;
extern FILE *stdout;
#define EOF (-1)
int fgetc(FILE *stream);
void clearerr(FILE *stream);
size_t fwrite(const void *data, size_t size, size_t count, FILE *stream);
int fflush(FILE *stream);
#ifdef __cplusplus
}
#endif
