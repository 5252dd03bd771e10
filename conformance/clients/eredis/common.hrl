%% What the programs in this folder share.
%%
%% A program is started as `escript program.erl NETWORK ADDRESS`. It prints what
%% a user of eredis would see, in an order that does not depend on timing, and
%% ends with a nonzero status when something does not happen. The Go test beside
%% this folder compares the output with the recorded one.

-mode(compile).

%% Bounds every wait, in milliseconds. It only turns a hang into a failure.
-define(WAIT, 20000).

%% How long the library rests before it connects again, in milliseconds.
-define(REST, 5).

%% address returns the host and port of the server under test.
address(["tcp", Address]) ->
    [Host, Port] = string:lexemes(Address, ":"),
    {Host, list_to_integer(Port)}.

%% connect returns a client that sends commands.
connect(Args, Database, Password) ->
    {Host, Port} = address(Args),
    eredis:start_link(Host, Port, Database, Password, ?REST).

%% subscriber returns a client whose messages come to this process.
subscriber(Args, Password) ->
    {Host, Port} = address(Args),
    {ok, Subscriber} = eredis_sub:start_link(Host, Port, Password, ?REST, infinity, drop),
    ok = eredis_sub:controlling_process(Subscriber),
    Subscriber.

%% say prints one line.
say(Fields) ->
    io:format("~ts~n", [lists:join(" ", [text(Field) || Field <- Fields])]).

text(Field) when is_atom(Field) -> atom_to_list(Field);
text(Field) -> io_lib:format("~0p", [Field]).

%% take prints the next N things that the subscriber tells, each of which has to
%% be acknowledged.
take(_, 0) -> ok;
take(Subscriber, N) ->
    say(tuple_to_list(next(Subscriber))),
    take(Subscriber, N - 1).

next(Subscriber) ->
    receive
        Told when element(tuple_size(Told), Told) =:= Subscriber ->
            eredis_sub:ack_message(Subscriber),
            erlang:delete_element(tuple_size(Told), Told)
    after ?WAIT -> error(nothing_told)
    end.
