/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCM_MEMORY_H
#define FCM_MEMORY_H

/*
 * The shared-memory store: one fixed mapping that all processes of a server
 * share. A tour, file by file:
 *
 *   layout.h    every byte of the region. Offsets only: nothing in it is a
 *               pointer, and every process may have it at another address.
 *   region.c    the geometry of a size; making a region, keeping it over
 *               restarts of the server. attach.c finds one of another process.
 *   lock.c      robust mutexes with a deadline.
 *   slots.c     processes: a slot is a mutex held for life; whoever finds it
 *               ownerless reaps what the dead one left behind.
 *   pins.c      hazard cells. What a cell names is not reused; the cells lie in
 *               their process's own ledger, so a dead process pins nothing.
 *   record.c    the bytes of one item, and the checks before they are believed.
 *   index.c     buckets of eight 64-bit slots, two buckets a key. An item is
 *               live if and only if a slot points at it: the slot is the one
 *               commit word of put, replace and delete.
 *   segment.c   the log: segments are taken, filled by bumping an offset,
 *               sealed. reclaim.c empties the oldest, waits in limbo until
 *               nobody has it pinned, and frees it.
 *   draft.c     an item on its way in: whole segments of a large body first,
 *               the rest with the record. publish.c makes it seen.
 *   epochs.c    invalidation: a clear stores one number, whatever it hits.
 *   reader.c, writer.c, scan.c, store.c     the vtable of fcache/backend.h.
 *   fsck.c      every invariant above, looked at.
 *
 * Readers take no lock and write nothing shared but their own cell, their own
 * counters and, until it saturates, the frequency of what they hit. Writers
 * hold a lock for nanoseconds and may die at any instruction: what is not
 * committed is dead bytes, what is committed is whole. No lock is held across
 * an allocation or a call into other code.
 */

#include <fcache/backend.h>

extern const fcache_backend_ops_t fcache_memory_ops;

#endif
