#pragma once
/* Once in the code, however often it is called. */
#if defined(__GNUC__)
#define RIFFLE_SUPPORT_ONCE __attribute__((noinline))
#else
#define RIFFLE_SUPPORT_ONCE
#endif
