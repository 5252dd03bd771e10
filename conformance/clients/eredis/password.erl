#!/usr/bin/env escript
%% Logging in.

-include("common.hrl").

-define(RIGHT, "correct horse").

main(Args) ->
    {ok, Stranger} = connect(Args, 0, ""),
    say([no_password, eredis:q(Stranger, ["PUBLISH", "a", "x"])]),
    say([wrong_password, eredis:q(Stranger, ["AUTH", "wrong"])]),
    say([password, eredis:q(Stranger, ["AUTH", ?RIGHT]), eredis:q(Stranger, ["PUBLISH", "a", "x"])]),
    {ok, Redis} = connect(Args, 1, ?RIGHT),
    Subscriber = subscriber(Args, ?RIGHT),
    eredis_sub:subscribe(Subscriber, [<<"a">>]),
    take(Subscriber, 1),
    say([publish, eredis:q(Redis, ["PUBLISH", "a", "secret"])]),
    take(Subscriber, 1).
