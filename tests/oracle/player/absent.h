/* Calls that newer machines (aarch64) do not have: their numbers are none, so that such a call fails with ENOSYS on both
 * sides. */
#ifndef ABSENT_H
#define ABSENT_H

#include <sys/syscall.h>

#ifndef SYS_open
#define SYS_access (-1)
#define SYS_chmod (-1)
#define SYS_chown (-1)
#define SYS_lchown (-1)
#define SYS_link (-1)
#define SYS_lstat (-1)
#define SYS_mkdir (-1)
#define SYS_mknod (-1)
#define SYS_open (-1)
#define SYS_readlink (-1)
#define SYS_rename (-1)
#define SYS_rmdir (-1)
#define SYS_stat (-1)
#define SYS_symlink (-1)
#define SYS_unlink (-1)
#define SYS_utimes (-1)
#endif

/* openat2, which older headers do not know; and qemu neither, so that nobody could answer for the real directory. */
#ifdef GUEST
#define OPENAT2 (-1)
#else
#define OPENAT2 437
#endif

#endif
