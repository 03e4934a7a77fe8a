/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCM_LAYOUT_H
#define FCM_LAYOUT_H

/*
 * What lies in the region, in this order:
 *
 *   superblock, and room for a second one
 *   process slots, ledgers, counters        per process
 *   locks                                   key stripes, open segments
 *   spaces                                  epochs of prefixes and namespaces
 *   tag epochs
 *   leases                                  room for fills in progress
 *   index                                   buckets of slots
 *   ghosts                                  room for what was evicted
 *   segment heads, segments
 *
 * The configured size pays for the index and all that follows; what precedes
 * is per process or per name, is sparse, and costs memory only where used.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#if UINTPTR_MAX < 0xffffffffffffffff
#error "the memory store needs 64-bit addresses"
#endif

#define FCM_MAGIC    UINT64_C(0x316d656863616366) /* "fcachem1" */
#define FCM_VERSION  2u
#define FCM_PAGE     4096u
#define FCM_SLOTS    512u  /* processes */
#define FCM_LINES    128u  /* pins of a moment, per process */
#define FCM_CELLS    1024u /* pins of a response being sent, per process */
#define FCM_SHARDS   8u
#define FCM_STRIPES  256u
#define FCM_OPEN_MAX 64u
#define FCM_SPACES   4096u
#define FCM_LEASES   4096u
#define FCM_WAYS     8u /* slots of a bucket */
#define FCM_UNIT     16u
#define FCM_LINE     64u
#define FCM_EXTENTS  224u /* segments of one body, see fcm_geometry */

typedef _Atomic uint64_t fcm_word_t;

typedef struct fcm_super_t {
    uint64_t magic;
    uint64_t layout; /* fcm_layout_hash() of who made it */
    uint64_t size;
    unsigned char secret[192]; /* of the hash; new for each region */
    _Alignas(FCM_LINE) fcm_word_t epoch;
    fcm_word_t all_hard;
    fcm_word_t all_soft;
    _Alignas(FCM_LINE) fcm_word_t seals; /* the last seal number given */
    _Atomic uint32_t slots_high;         /* slots ever taken */
    _Atomic uint32_t free_hint;
    _Atomic uint32_t pinned;  /* segments pinned when last counted */
    _Atomic uint32_t retired; /* replaced by another region of that name */
} fcm_super_t;

typedef struct fcm_slot_t {
    _Alignas(256) pthread_mutex_t alive; /* held while the process lives */
    _Atomic uint32_t state;
    _Atomic int32_t pid;
    fcm_word_t lines[FCM_LINES / 64]; /* lines ever used, one bit each */
    _Atomic uint32_t cells_high;      /* cells ever used */
} fcm_slot_t;

#define FCM_SLOT_FREE 0u
#define FCM_SLOT_LIVE 1u

typedef struct fcm_line_t {
    _Alignas(FCM_LINE) fcm_word_t pin;
} fcm_line_t;

typedef struct fcm_ledger_t {
    fcm_line_t lines[FCM_LINES];
    fcm_word_t cells[FCM_CELLS];
} fcm_ledger_t;

typedef enum fcm_counter_t {
    FCM_HITS,
    FCM_MISSES,
    FCM_STALE,
    FCM_PUTS,
    FCM_DELETES,
    FCM_CLEARS,
    FCM_REFUSED,
    FCM_EVICTED,
    FCM_EXPIRED,
    FCM_FAULTS,
    FCM_COUNTERS
} fcm_counter_t;

typedef struct fcm_shard_t {
    _Alignas(128) fcm_word_t count[16];
} fcm_shard_t;

typedef struct fcm_lock_t {
    _Alignas(FCM_LINE) pthread_mutex_t mutex;
    _Atomic uint32_t segment; /* the open one, or FCM_NONE */
} fcm_lock_t;

#define FCM_NONE UINT32_MAX

typedef struct fcm_locks_t {
    fcm_lock_t stripes[FCM_STRIPES];
    fcm_lock_t open[FCM_OPEN_MAX];
} fcm_locks_t;

/* A name is hashed; 0 is nobody's. Never given back. */
typedef struct fcm_space_t {
    _Alignas(FCM_LINE) fcm_word_t id;
    fcm_word_t hard;
    fcm_word_t soft;
} fcm_space_t;

typedef struct fcm_tag_t {
    fcm_word_t hard;
    fcm_word_t soft;
} fcm_tag_t;

typedef struct fcm_bucket_t {
    _Alignas(FCM_LINE) fcm_word_t slots[FCM_WAYS];
} fcm_bucket_t;

/* FREE -> TAKEN -> OPEN -> SEALED -> DRAINING -> LIMBO -> FREE, or, for a piece
 * of a large body, TAKEN -> EXTENT -> LIMBO -> FREE. */
typedef enum fcm_state_t {
    FCM_FREE,
    FCM_TAKEN,    /* by a process that fills it */
    FCM_OPEN,     /* records are appended */
    FCM_SEALED,   /* full */
    FCM_DRAINING, /* a process takes its records out of the index */
    FCM_LIMBO,    /* nothing points at it, somebody may still read it */
    FCM_EXTENT,   /* part of a committed body */
    FCM_STATES
} fcm_state_t;

/* word: state 8 | class 8 | owner 16 | generation 32. All changes are CAS. */
typedef struct fcm_head_t {
    _Alignas(128) fcm_word_t word;
    fcm_word_t seal;          /* order of sealing */
    _Atomic int64_t dead_us;  /* latest of its items */
    fcm_word_t owner_hash[2]; /* EXTENT: of the record it belongs to */
    fcm_word_t owner_loc;
    _Alignas(FCM_LINE) _Atomic uint32_t used; /* bytes appended */
    _Atomic uint32_t items;                   /* live ones, about */
    fcm_word_t bytes;                         /* of the live ones, about */
    fcm_word_t hits;
    uint64_t age; /* the ageing clock when it was opened */
} fcm_head_t;

typedef struct fcm_extent_t {
    uint32_t segment;
    uint32_t generation;
} fcm_extent_t;

typedef enum fcm_record_state_t {
    FCM_RESERVED = 1, /* being written */
    FCM_COMMITTED,    /* whole; live if a slot points at it */
    FCM_ABANDONED
} fcm_record_state_t;

/* Then, in this order: extents, tag cells (4 bytes each), name, head, body. */
typedef struct fcm_record_t {
    uint32_t bytes; /* all of it; the next one starts at the next unit */
    uint32_t check; /* over all but the body and what changes in place */
    uint64_t epoch;
    _Atomic int64_t dead_us;
    uint64_t body_len; /* what is in extents, then the rest here */
    uint32_t head_len;
    uint16_t name_len;
    uint16_t extents;
    uint16_t tags;
    uint16_t prefix; /* its space */
    uint16_t ns;
    uint8_t generation; /* low bits of its segment's */
    _Atomic uint8_t state;
} fcm_record_t;

_Static_assert(sizeof(fcm_super_t) <= FCM_PAGE, "superblock is one page");
_Static_assert(sizeof(fcm_slot_t) == 256, "slot");
_Static_assert(sizeof(fcm_ledger_t) == 16384, "ledger");
_Static_assert(sizeof(fcm_shard_t) == 128, "shard");
_Static_assert(sizeof(fcm_head_t) == 128, "segment head");
_Static_assert(sizeof(fcm_record_t) == 48, "record");
_Static_assert((int)FCM_COUNTERS <= 16, "counters fit their shard");

#endif
