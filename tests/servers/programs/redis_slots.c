/* SPDX-License-Identifier: Apache-2.0 */
/* Slots of a real cluster that move while they are used; see servers/run.py. */
#include "redis_fixture.h"

#include "redis/discover.h"

/* A command to one server, whatever the map says; its reply as text. */
static const char *tell(fixture_t *fix, fcrd_server_t *server,
                        const char *const *words)
{
    fcache_error_t error = {""};
    fcrd_call_t call = {.limits = {1 << 16, 1 << 16, 100}};
    CHECK_INT(fcrd_command_words(&call.command, fix->pool, words), FCACHE_OK);
    if (fcrd_ask(fix->self, server, &call, fixture_deadline(), fix->pool,
                 &error) != FCACHE_OK) {
        fail_msg("%s %s: %s", words[0], words[1], error.text);
    }
    return apr_pstrmemdup(fix->pool, call.reply->text.ptr,
                          call.reply->text.len);
}

typedef struct move_t {
    fixture_t *fix;
    fcache_bytes_t name;
    unsigned slot;
    const char *slot_text;
    fcrd_server_t *from, *to;
    const char *from_id, *to_id;
} move_t;

/* A name, the server it belongs to by the map, and another one. */
static move_t begin_move(fixture_t *fix, const char *text)
{
    static const char *const myid[] = {"CLUSTER", "MYID", NULL};
    move_t move = {.fix = fix, .name = fixture_name(fix, text)};
    size_t at = 0;
    CHECK_INT(fixture_fetch(fix, move.name, NULL), 0); /* learns the map */
    move.slot = fcrd_slot(move.name);
    move.slot_text = apr_itoa(fix->pool, (int)move.slot);
    move.from = fcrd_map_take(&fix->self->map, move.slot);
    do {
        fcrd_map_release(&fix->self->map, move.to);
        move.to = fcrd_map_take_at(&fix->self->map, at++);
    } while (move.to == move.from);
    move.from_id = tell(fix, move.from, myid);
    move.to_id = tell(fix, move.to, myid);
    return move;
}

static void set_slot(const move_t *move, fcrd_server_t *server,
                     const char *state, const char *id)
{
    const char *words[] = {"CLUSTER", "SETSLOT", move->slot_text,
                           state,     id,        NULL};
    CHECK_TEXT(fcache_str(tell(move->fix, server, words)), "OK");
}

static void start_move(const move_t *move)
{
    set_slot(move, move->to, "IMPORTING", move->from_id);
    set_slot(move, move->from, "MIGRATING", move->to_id);
}

static void end_move(move_t *move)
{
    set_slot(move, move->to, "NODE", move->to_id);
    set_slot(move, move->from, "NODE", move->to_id);
    fcrd_map_release(&move->fix->self->map, move->from);
    fcrd_map_release(&move->fix->self->map, move->to);
}

static void moved_slots_are_followed(void **state)
{
    fixture_t *fix = *state;
    move_t move = begin_move(fix, "moved");
    end_move(&move);
    assert_ptr_equal(fcrd_map_take(&fix->self->map, move.slot), move.from);
    CHECK_INT(fixture_store(fix, move.name, FCR_SET, fcache_str("x"), NULL),
              FCACHE_OK);
    assert_ptr_equal(fcrd_map_take(&fix->self->map, move.slot), move.to);
    CHECK_INT(fixture_fetch(fix, move.name, NULL), 1);
}

static void slots_on_the_move_are_asked_for(void **state)
{
    fixture_t *fix = *state;
    fcr_found_t found[2];
    move_t move = begin_move(fix, "asked");
    start_move(&move);
    CHECK_INT(fixture_store(fix, move.name, FCR_ADD, fcache_str("x"), NULL),
              FCACHE_OK);
    assert_ptr_equal(fcrd_map_take(&fix->self->map, move.slot), move.from);
    fcache_bytes_t names[] = {move.name, fixture_counter(fix, "c")};
    CHECK_INT(fixture_store(fix, names[1], FCR_SET, fcache_str("7"), NULL),
              FCACHE_OK);
    CHECK_INT(fix->ops->fetch(fix->self, names[0], names, 2, found,
                              fixture_deadline(), fix->pool, NULL),
              FCACHE_OK);
    CHECK_TEXT(found[0].value, "x");
    CHECK_TEXT(found[1].value, "7");
    CHECK_INT(fix->ops->remove(fix->self, move.name, fixture_deadline(), NULL),
              FCACHE_OK);
    end_move(&move);
}

/* Two names of a slot, one moved and the other one not yet: no fault of the
 * server's, so that its breaker stays closed. */
static void halves_of_a_slot_are_a_fault(void **state)
{
    fixture_t *fix = *state;
    fcr_found_t found[2];
    fcache_error_t error = {""};
    fcache_bytes_t names[] = {fixture_name(fix, "{half}"),
                              fixture_name(fix, "{half}there")};
    move_t move = begin_move(fix, "{half}");
    CHECK_INT(fixture_store(fix, names[0], FCR_SET, fcache_str("x"), NULL),
              FCACHE_OK);
    start_move(&move);
    for (size_t i = 0; i < 10; i++) {
        CHECK_INT(fix->ops->fetch(fix->self, names[0], names, 2, found,
                                  fixture_deadline(), fix->pool, &error),
                  FCACHE_UNAVAILABLE);
        assert_non_null(strstr(error.text, "is moving the slot"));
    }
    CHECK_INT(fixture_fetch(fix, names[0], NULL), 1);
    CHECK_INT(fix->ops->remove(fix->self, names[0], fixture_deadline(), NULL),
              FCACHE_OK);
    end_move(&move);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(moved_slots_are_followed),
        fixture_test(slots_on_the_move_are_asked_for),
        fixture_test(halves_of_a_slot_are_a_fault),
    };
    return cmocka_run_group_tests(tests, fixture_group, NULL);
}
