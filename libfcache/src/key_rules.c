/* SPDX-License-Identifier: Apache-2.0 */
#include "key_rules.h"

#include "ascii.h"

#include <apr_strings.h>

/* `argument` is what follows the word's ':' or '='. Answers NULL or what is
 * wrong. */
typedef const char *(*word_fn)(fcache_key_rules_t *rules, const char *argument,
                               apr_pool_t *pool);

static const char *push(fcache_key_rules_t *rules, fci_key_part_fn add,
                        const char *label, const char *what, const char *name,
                        apr_pool_t *pool)
{
    fci_key_rule_t *rule = apr_palloc(pool, sizeof(*rule));
    *rule = (fci_key_rule_t){add, label, what, name, NULL};
    *rules->added_end = rule;
    rules->added_end = &rule->next;
    return NULL;
}

static const char *word_header(fcache_key_rules_t *rules, const char *argument,
                               apr_pool_t *pool)
{
    char *name = apr_pstrdup(pool, argument);
    if (!fcache_is_token(fcache_str(name))) {
        return "needs a field name";
    }
    for (char *c = name; *c; c++) {
        *c = fci_lower(*c);
    }
    return push(rules, fci_key_add_header,
                apr_pstrcat(pool, "header:", name, (char *)NULL), NULL, name,
                pool);
}

static const char *word_cookie(fcache_key_rules_t *rules, const char *argument,
                               apr_pool_t *pool)
{
    if (!fcache_is_token(fcache_str(argument))) {
        return "needs a cookie's name";
    }
    return push(rules, fci_key_add_cookie,
                apr_pstrcat(pool, "cookie:", argument, (char *)NULL), NULL,
                apr_pstrdup(pool, argument), pool);
}

static const char *push_attribute(fcache_key_rules_t *rules, const char *what,
                                  const char *name, apr_pool_t *pool)
{
    const char *label =
        *name ? apr_pstrcat(pool, what, ":", name, (char *)NULL) : what;
    if (strlen(label) > FCACHE_KEY_MAX_CANONICAL / 2) {
        return "is too long";
    }
    return push(rules, fci_key_add_attribute, label, what,
                apr_pstrdup(pool, name), pool);
}

static const char *word_env(fcache_key_rules_t *rules, const char *argument,
                            apr_pool_t *pool)
{
    return *argument ? push_attribute(rules, "env", argument, pool)
                     : "needs a variable's name";
}

static const char *word_expr(fcache_key_rules_t *rules, const char *argument,
                             apr_pool_t *pool)
{
    return *argument ? push_attribute(rules, "expr", argument, pool)
                     : "needs an expression";
}

static const char *word_user(fcache_key_rules_t *rules, const char *argument,
                             apr_pool_t *pool)
{
    (void)argument;
    return push_attribute(rules, "user", "", pool);
}

static const char *word_without_host(fcache_key_rules_t *rules,
                                     const char *argument, apr_pool_t *pool)
{
    (void)argument;
    (void)pool;
    rules->without_host = 1;
    return NULL;
}

static const char *word_without_scheme(fcache_key_rules_t *rules,
                                       const char *argument, apr_pool_t *pool)
{
    (void)argument;
    (void)pool;
    rules->without_scheme = 1;
    return NULL;
}

/* For what is in every key anyway. */
static const char *word_default(fcache_key_rules_t *rules, const char *argument,
                                apr_pool_t *pool)
{
    (void)rules;
    (void)argument;
    (void)pool;
    return NULL;
}

static const char *word_query_sort(fcache_key_rules_t *rules,
                                   const char *argument, apr_pool_t *pool)
{
    (void)argument;
    (void)pool;
    rules->query.sort = 1;
    return NULL;
}

static const char *keep(fcache_key_rules_t *rules, fci_query_keep_t which)
{
    if (rules->query.keep != FCI_QUERY_ALL && rules->query.keep != which) {
        return "contradicts an earlier word; use one of query:only, "
               "query:drop, query:none";
    }
    rules->query.keep = which;
    return NULL;
}

static void push_name(fci_query_rule_t *query, const char *text, size_t len,
                      apr_pool_t *pool)
{
    fci_query_name_t *name = apr_palloc(pool, sizeof(*name));
    *name =
        (fci_query_name_t){apr_pstrmemdup(pool, text, len), len, query->names};
    query->names = name;
}

static const char *keep_names(fcache_key_rules_t *rules, fci_query_keep_t which,
                              const char *list, apr_pool_t *pool)
{
    while (*list) {
        size_t len = strcspn(list, ",");
        if (len > 0) {
            push_name(&rules->query, list, len, pool);
        }
        list += len + (list[len] == ',');
    }
    return rules->query.names ? keep(rules, which)
                              : "needs parameter names, a,b or utm_*";
}

static const char *word_query_only(fcache_key_rules_t *rules,
                                   const char *argument, apr_pool_t *pool)
{
    return keep_names(rules, FCI_QUERY_ONLY, argument, pool);
}

static const char *word_query_drop(fcache_key_rules_t *rules,
                                   const char *argument, apr_pool_t *pool)
{
    return keep_names(rules, FCI_QUERY_DROP, argument, pool);
}

static const char *word_query_none(fcache_key_rules_t *rules,
                                   const char *argument, apr_pool_t *pool)
{
    (void)argument;
    (void)pool;
    return keep(rules, FCI_QUERY_NONE);
}

/* A word that ends in ':' or '=' takes the rest as its argument. */
static const struct {
    const char *word;
    word_fn apply;
} words_known[] = {
    {"default", word_default},
    {"method", word_default},
    {"host", word_default},
    {"path", word_default},
    {"query", word_default},
    {"body", word_default},
    {"query:sort", word_query_sort},
    {"query:only=", word_query_only},
    {"query:drop=", word_query_drop},
    {"query:none", word_query_none},
    {"header:", word_header},
    {"cookie:", word_cookie},
    {"env:", word_env},
    {"user", word_user},
    {"expr=", word_expr},
    {"-host", word_without_host},
    {"-scheme", word_without_scheme},
};

#define WORDS_KNOWN (sizeof(words_known) / sizeof(words_known[0]))

/* The argument of `word` if it is that known one, else NULL. */
static const char *argument_of(const char *word, const char *known)
{
    size_t len = strlen(known);
    int takes_argument = known[len - 1] == ':' || known[len - 1] == '=';
    if (strncmp(word, known, len) != 0 || (!takes_argument && word[len])) {
        return NULL;
    }
    return word + len;
}

static const char *allowed_words(apr_pool_t *pool)
{
    const char *text = words_known[0].word;
    for (size_t i = 1; i < WORDS_KNOWN; i++) {
        text = apr_pstrcat(pool, text, " ", words_known[i].word, (char *)NULL);
    }
    return text;
}

static fcache_status_t parse_word(fcache_key_rules_t *rules, const char *word,
                                  apr_pool_t *pool, fcache_error_t *error)
{
    for (size_t i = 0; i < WORDS_KNOWN; i++) {
        const char *argument = argument_of(word, words_known[i].word);
        if (argument) {
            const char *wrong = words_known[i].apply(rules, argument, pool);
            return wrong ? fcache_error_set(error, FCACHE_BAD_CONFIG,
                                            "key rule '%s' %s", word, wrong)
                         : FCACHE_OK;
        }
    }
    return fcache_error_set(error, FCACHE_BAD_CONFIG,
                            "unknown key rule '%s', there are: %s", word,
                            allowed_words(pool));
}

fcache_status_t fcache_key_rules_parse(const char *const *words, size_t count,
                                       fcache_key_rules_t **out_rules,
                                       apr_pool_t *pool, fcache_error_t *error)
{
    fcache_key_rules_t *rules = apr_pcalloc(pool, sizeof(*rules));
    if (!rules) {
        return fcache_error_set(error, FCACHE_NO_MEMORY, "no memory for rules");
    }
    rules->added_end = &rules->added;
    for (size_t i = 0; i < count; i++) {
        fcache_status_t status = parse_word(rules, words[i], pool, error);
        if (status != FCACHE_OK) {
            return status;
        }
    }
    *out_rules = rules;
    return FCACHE_OK;
}

int fcache_key_rules_has_user(const fcache_key_rules_t *rules)
{
    const fci_key_rule_t *rule = rules ? rules->added : NULL;
    for (; rule; rule = rule->next) {
        if (rule->what && strcmp(rule->what, "user") == 0) {
            return 1;
        }
    }
    return 0;
}
