/* tg_hidden.h - included before all else: every symbol lies in the module itself, so that none is reached through a
 * table of addresses. */
#pragma GCC visibility push(hidden)
