/* tg_hidden.h - included before all else: every symbol lies in the module itself, so that none is reached through a
 * table of addresses, and kernels are no one else's, so that compilers fit them to the model's calls. */
#pragma GCC visibility push(hidden)
#define TG_KERNEL static __attribute__((unused))
