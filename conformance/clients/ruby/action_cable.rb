# frozen_string_literal: true

# The redis adapter of Action Cable, in a server that consists of what the
# adapter asks for.

require_relative "common"

require "logger"
require "action_cable"
require "action_cable/subscription_adapter/redis"

# Cable stands in for ActionCable.server.
class Cable
  Config = Struct.new(:cable)
  attr_reader :mutex, :logger, :config, :event_loop

  def initialize(**options)
    @mutex = Monitor.new
    @logger = Logger.new($stderr)
    @config = Config.new({ adapter: "redis", timeout: WAIT, **endpoint, **options })
    @event_loop = ActionCable::Connection::StreamEventLoop.new
  end
end

def adapter(**options)
  ActionCable::SubscriptionAdapter::Redis.new(Cable.new(**options))
end

# listen subscribes and waits for the confirmation.
def listen(adapter, channel, callback)
  confirmed = Queue.new
  adapter.subscribe(channel, callback, -> { confirmed << true })
  confirmed.pop
end

redis = connect
server = adapter(channel_prefix: "myapp", db: 1, id: "cable")
one = Queue.new
two = Queue.new
on_one = ->(message) { one << message }
on_two = ->(message) { two << message }
listen(server, "room:1", on_one)
listen(server, "room:1", on_two)
listen(server, "room:2", on_two)
p redis.pubsub(:channels).sort
p redis.client(:list).map { |client| client["name"] }.tally["cable"]

adapter(channel_prefix: "myapp").broadcast("room:1", '{"hello":"world"}')
p one.pop, two.pop
adapter(channel_prefix: "myapp").broadcast("room:2", "only two")
adapter(channel_prefix: "other").broadcast("room:2", "another application")
server.broadcast("room:2", "from the server itself")
p [two.pop, two.pop].sort # a pool of threads calls back

server.unsubscribe("room:1", on_one)
p redis.pubsub(:numsub, "myapp:room:1")
server.unsubscribe("room:1", on_two)
until_subscribers(redis, "myapp:room:1", 0)
server.broadcast("room:1", "nobody")
server.broadcast("room:2", "still here")
p two.pop, one.empty?, two.empty?

server.shutdown
until_true("no channels") { redis.pubsub(:channels).empty? }
exit!(0)
