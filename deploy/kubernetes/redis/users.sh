#!/bin/sh
# users.sh: reads the portal's password from standard input, and prints redis.conf for the secret maas-redis. Only the portal may sign in, with the commands that it sends
# and for its own keys and channels. The user name of REDIS_URL is then portal.
set -eu
IFS= read -r password || [ -n "$password" ]
echo 'user default off'
echo "user portal on >$password ~maas:* &maas:* -@all +ping +info +getrange +get +set +del +exists +pttl +pexpire +incrby +zadd +zcard +zrange +zrem +zremrangebyscore +eval +publish +subscribe"
