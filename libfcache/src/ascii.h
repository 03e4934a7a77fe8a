/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCI_ASCII_H
#define FCI_ASCII_H

/* Characters of protocols: ASCII only, whatever the locale. */

static inline char fci_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static inline int fci_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline int fci_is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

/* tchar of RFC 9110 §5.6.2. */
static inline int fci_is_tchar(char c)
{
    static const char tchars[256] = {
        ['!'] = 1,         ['#'] = 1,         ['$'] = 1, ['%'] = 1,
        ['&'] = 1,         ['\''] = 1,        ['*'] = 1, ['+'] = 1,
        ['-'] = 1,         ['.'] = 1,         ['^'] = 1, ['_'] = 1,
        ['`'] = 1,         ['|'] = 1,         ['~'] = 1, ['0' ... '9'] = 1,
        ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
    };
    return tchars[(unsigned char)c];
}

/* OWS of RFC 9110 §5.6.3 is SP and HTAB. */
static inline int fci_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

#endif
