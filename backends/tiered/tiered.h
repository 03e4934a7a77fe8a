/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCT_TIERED_H
#define FCT_TIERED_H

/*
 * A store of two others: a near one in this machine's memory (L1) in front of a
 * far one (L2), which is the truth.
 *
 *   tiered:?l1=STORE&l2=STORE&l1-ttl=10s&sync=1s
 *
 * STORE is the name of a store of the same registry, which whoever made it opens
 * and joins, or, with a colon in it, a URL: then that is done here.
 *
 * An item is near for at most l1-ttl. In front of its head lie L2's facts about it
 * and the epoch of L2 at which it was known to be good. It is served as long as L2
 * is not known to have a later one; that knowledge is at most `sync` old, when L2
 * answers. After any clear, L2 is asked once about each item. So:
 *
 * - a clear through this server's tier counts at once, for all its processes, also
 *   against what was begun before it, and when L2 fails;
 * - so does a key that is deleted, touched or replaced through it;
 * - one that others made counts after `sync` and a round trip at most;
 * - a key that others deleted or replaced may be served for l1-ttl;
 * - while L2 is silent, what is near and was not cleared is served for l1-ttl, the
 *   rest is missed, and what is put is near only.
 *
 * put writes both, L2 first; add, and whether it was first, is L2's; del, touch and
 * clear always reach L1, and tell when L2 fails. list is L2's.
 */

#include <fcache/backend.h>

extern const fcache_backend_ops_t fcache_tiered_ops;

#endif
