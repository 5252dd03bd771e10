#!/usr/bin/env escript
%% Clients connect again by themselves; a subscriber is told so, and subscribes
%% again.

-include("common.hrl").

main(Args) ->
    % The library reports lost connections, with the time.
    logger:set_primary_config(level, none),
    {ok, Redis} = connect(Args, 0, ""),
    {ok, Other} = connect(Args, 0, ""),
    Subscriber = subscriber(Args, ""),
    subscribe(Subscriber),
    say([publish, publish(Redis, "before")]),
    take(Subscriber, 1),

    say([killed, eredis:q(Redis, ["CLIENT", "KILL", "TYPE", "pubsub"])]),
    connected_again(Subscriber),
    subscribe(Subscriber),
    say([killed, eredis:q(Other, ["CLIENT", "KILL", "TYPE", "normal"])]),
    say([publish, publish(Redis, "after the kill")]),
    take(Subscriber, 1),

    say(['ready-for-restart']),
    "restarted\n" = io:get_line(""),
    connected_again(Subscriber),
    subscribe(Subscriber),
    say([publish, publish(Redis, "after the restart")]),
    take(Subscriber, 1).

subscribe(Subscriber) ->
    eredis_sub:subscribe(Subscriber, [<<"a">>]),
    take(Subscriber, 1).

%% connected_again waits until the subscriber has lost its connection and has
%% another one. How often it has tried depends on timing.
connected_again(Subscriber) ->
    case next(Subscriber) of
        {Told} when Told =:= eredis_disconnected -> say([Told]), connected_again(Subscriber);
        {Told} when Told =:= eredis_connected -> say([Told]);
        {_} -> connected_again(Subscriber);
        {_, _} -> connected_again(Subscriber)
    end.

%% publish publishes once the client has noticed that its connection is lost, and
%% has another one.
publish(Redis, Message) ->
    case eredis:q(Redis, ["PUBLISH", "a", Message]) of
        {ok, Receivers} -> Receivers;
        {error, Lost} when is_atom(Lost) ->
            timer:sleep(?REST),
            publish(Redis, Message)
    end.
