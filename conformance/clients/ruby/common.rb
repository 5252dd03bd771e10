# frozen_string_literal: true

# What the programs in this folder share.
#
# A program is started as `program.rb NETWORK ADDRESS [AUTHORITY]`. It prints
# what a user of the library would see, in an order that does not depend on
# timing, and exits with a nonzero status when something does not happen. The Go
# test beside this folder compares the output with the recorded one.

require "redis"

# WAIT bounds every wait, in seconds. It only turns a hang into a failure.
WAIT = 20

# PAUSE is how long a poll rests between two looks, in seconds.
PAUSE = 0.005

$stdout.sync = true
Thread.abort_on_exception = true

# endpoint returns the options of Redis.new that reach the server under test.
def endpoint
  network, address, authority = ARGV
  return { path: address } if network == "unix"

  host, port = address.split(":")
  options = { host: host, port: Integer(port) }
  options.merge!(ssl: true, ssl_params: { ca_file: authority }) if network == "tls"
  options
end

# connect returns a client of the server under test.
def connect(**options)
  Redis.new(timeout: WAIT, **endpoint, **options)
end

# until_true waits until the block returns something true.
def until_true(what)
  deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + WAIT
  until yield
    raise "waited #{WAIT} s for #{what}" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline

    sleep PAUSE
  end
end

# until_subscribers waits until the server counts n subscribers of the channel.
def until_subscribers(redis, channel, n)
  until_true("#{n} subscribers of #{channel}") { redis.pubsub(:numsub, channel) == [channel, n] }
end

# attempt prints the error that the block ends with.
def attempt(what)
  yield
  raise "#{what} went well"
rescue Redis::BaseError => e
  puts "#{what}: #{e.class}: #{e.message}"
end

# in_thread runs the block in a thread and returns it, to be joined with finish.
def in_thread(&block)
  Thread.new(&block)
end

# finish waits for the end of a thread.
def finish(thread)
  raise "a thread did not end" unless thread.join(WAIT)
end
