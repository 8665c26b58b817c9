#!/bin/sh
# users.sh PASSWORD: prints redis.conf for the secret maas-redis. Nobody but the portal may sign in, with the commands that it sends
# and for its own keys and channels. The user name of REDIS_URL is then portal.
set -eu
echo 'user default off'
echo "user portal on >$1 ~maas:* &maas:* -@all +ping +info +getrange +get +set +del +exists +pttl +pexpire +incrby +zadd +zcard +zrange +zrem +zremrangebyscore +eval +publish +subscribe"
