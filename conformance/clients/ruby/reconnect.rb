# frozen_string_literal: true

# Commands reconnect by themselves; a subscription tells that it is lost, and is
# made again as the library's documentation shows.

require_relative "common"

# Subscriber listens in a thread for as long as it is not stopped.
class Subscriber
  attr_reader :lines

  def initialize
    @lines = Queue.new
    in_thread { run }
  end

  def line
    lines.pop
  end


  private

  def run
    lost = false
    redis = connect(reconnect_attempts: 0)
    begin
      redis.subscribe("a") do |on|
        on.subscribe { lines << "subscribed" and lost = false }
        on.message { |_, message| message == "stop" ? redis.unsubscribe : lines << message }
      end
    rescue Redis::BaseConnectionError
      lines << "lost" unless lost
      lost = true
      sleep PAUSE
      retry
    end
    lines << "stopped"
  end
end

redis = connect(reconnect_attempts: 50, reconnect_delay: 0.01, reconnect_delay_max: 0.1)
subscriber = Subscriber.new
puts subscriber.line
puts redis.publish("a", "before"), subscriber.line

puts redis.call([:client, :kill, "TYPE", "pubsub"]), subscriber.line, subscriber.line
connect.call([:client, :kill, "TYPE", "normal"])
puts redis.publish("a", "after"), subscriber.line

puts "ready-for-restart"
$stdin.gets
puts subscriber.line, subscriber.line
puts redis.publish("a", "after the restart"), subscriber.line
puts redis.publish("a", "stop"), subscriber.line
