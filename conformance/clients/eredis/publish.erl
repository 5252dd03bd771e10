#!/usr/bin/env escript
%% Subscriptions are told to a process; commands and pipelines.

-include("common.hrl").

main(Args) ->
    {ok, Redis} = connect(Args, 1, ""),
    say([publish, eredis:q(Redis, ["PUBLISH", "news", "nobody hears this"])]),

    Subscriber = subscriber(Args, ""),
    eredis_sub:subscribe(Subscriber, [<<"news">>, <<"sport">>]),
    take(Subscriber, 2),
    eredis_sub:psubscribe(Subscriber, [<<"n*">>, <<"[qz]">>]),
    take(Subscriber, 2),
    {ok, Channels} = eredis:q(Redis, ["PUBSUB", "CHANNELS"]),
    say([channels, lists:sort(Channels), eredis:q(Redis, ["PUBSUB", "CHANNELS", "s*"])]),
    say([numsub, eredis:q(Redis, ["PUBSUB", "NUMSUB", "news", "other"])]),
    say([numpat, eredis:q(Redis, ["PUBSUB", "NUMPAT"])]),

    [say([publish, Channel, eredis:q(Redis, ["PUBLISH", Channel, Message])])
     || {Channel, Message} <- [{"sport", "one"}, {"sport", ""}, {"q", <<"a\r\n", 0, 255>>},
                               {"other", "elsewhere"}, {"news", "both"}]],
    take(Subscriber, 5),

    eredis_sub:unsubscribe(Subscriber, [<<"news">>]),
    eredis_sub:punsubscribe(Subscriber, [<<"[qz]">>]),
    take(Subscriber, 2),
    say([publish, eredis:q(Redis, ["PUBLISH", "news", "pattern only"])]),
    take(Subscriber, 1),

    Numbers = [integer_to_binary(N) || N <- lists:seq(0, 999)],
    Replies = eredis:qp(Redis, [["PUBLISH", "sport", N] || N <- Numbers]),
    Received = [begin {message, <<"sport">>, Text} = next(Subscriber), Text end || _ <- Numbers],
    say([receivers, length([ok || {ok, <<"1">>} <- Replies]), in_order, Received =:= Numbers]),
    say([transaction, eredis:qp(Redis, [["MULTI"], ["PUBLISH", "sport", "x"], ["PUBLISH", "other", "y"], ["EXEC"]])]),
    say([error, eredis:q(Redis, ["PUBLISH", "sport"])]),
    take(Subscriber, 1),

    eredis_sub:unsubscribe(Subscriber, [<<"sport">>]),
    eredis_sub:punsubscribe(Subscriber, [<<"n*">>]),
    take(Subscriber, 2),
    say([publish, eredis:q(Redis, ["PUBLISH", "sport", "late"])]),
    say([stop, eredis_sub:stop(Subscriber), eredis:stop(Redis)]).
