/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCACHE_TAGS_H
#define FCACHE_TAGS_H

/*
 * Tags: names that entries bear, by which they are forgotten together. Every
 * response has the tag of its URL; others come from the origin's fields and from
 * the operator. Tags of a URL and groups have blanks in them, which plain tags
 * never have, so that none is taken for another.
 *
 * A list of tags is length-prefixed, as entries keep it, in a buffer of the
 * caller's with FCACHE_TAGS_MAX_BYTES as its ceiling. What would pass a ceiling
 * answers TOO_LARGE: an entry that could not be purged by one of its tags is not
 * to be stored. Pure; any thread.
 */

#include <fcache/entry.h>
#include <fcache/http.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FCACHE_TAG_MAX_BYTES  1024        /* of one tag, but a URL's */
#define FCACHE_TAGS_MAX_BYTES (24 * 1024) /* of a list, prefixes and all */

/* Adds a tag unless it is there already. BAD_INPUT for an empty one; TOO_LARGE
 * for the 65th (FCACHE_ENTRY_MAX_TAGS), and past the ceiling of the list. */
FCACHE_API fcache_status_t fcache_tags_add(fcache_buf_t *tags,
                                           fcache_bytes_t tag);

/* Adds plain tags out of one text: commas and blanks part them, as in
 * Surrogate-Key and in Cache-Tag. */
FCACHE_API fcache_status_t fcache_tags_add_words(fcache_buf_t *tags,
                                                 fcache_bytes_t words);

/* The same for all lines of the field of that name. */
FCACHE_API fcache_status_t fcache_tags_add_field(fcache_buf_t *tags,
                                                 fcache_fields_t fields,
                                                 const char *name);

/*
 * Adds the groups that a Cache-Groups or a Cache-Group-Invalidation field names,
 * as groups of that origin (RFC 9875 §2). A field that is no list of strings is
 * as good as none.
 */
FCACHE_API fcache_status_t fcache_tags_add_groups(fcache_buf_t *tags,
                                                  fcache_fields_t fields,
                                                  const char *name,
                                                  fcache_bytes_t scheme,
                                                  fcache_bytes_t authority);

/* Adds all tags of another list. CORRUPT when it is none. */
FCACHE_API fcache_status_t fcache_tags_add_list(fcache_buf_t *tags,
                                                fcache_bytes_t list);

/* Adds the tag of a URL: host in lower case, without the scheme's own port; a
 * query with ptr NULL is none. */
FCACHE_API fcache_status_t fcache_tags_add_url(fcache_buf_t *tags,
                                               fcache_bytes_t authority,
                                               fcache_bytes_t path,
                                               fcache_bytes_t query);

/* Is it a plain tag: no blanks, commas or controls, 1 to FCACHE_TAG_MAX_BYTES? */
FCACHE_API int fcache_tag_is_plain(fcache_bytes_t tag);

#ifdef __cplusplus
}
#endif
#endif
