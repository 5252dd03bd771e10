# frozen_string_literal: true

# Pipelines and transactions, blocks as the library's guide shows them.

require_relative "common"

redis = connect
received = Queue.new
subscriber = connect
listening = in_thread do
  subscriber.subscribe("a") do |on|
    on.message do |_, message|
      received << message
      subscriber.unsubscribe if message == "stop"
    end
  end
end
until_subscribers(redis, "a", 1)

p redis.pipelined { |pipeline| 1000.times { |i| pipeline.publish("a", i) } }.sum
p Array.new(1000) { received.pop } == Array.new(1000, &:to_s)

p(redis.multi do |transaction|
  transaction.publish("a", "x")
  transaction.publish("b", "y")
end)
p received.pop

attempt("a transaction with an error") do
  redis.multi do |transaction|
    transaction.publish("a", "forgotten")
    transaction.call([:publish, "a"])
  end
end
begin
  redis.multi do |transaction|
    transaction.publish("a", "discarded")
    raise "changed my mind"
  end
rescue RuntimeError => e
  p e.message
end
p redis.publish("a", "stop"), received.pop
finish(listening)
