#!/bin/sh
# A stub of helm for unit tests: notes how it was called, then does what the test wrote next to its folders.
# What the real helm does is tested on the live stack.
home=$(dirname "$HELM_DATA_HOME")
printf '%s\n' "$*" >> "$home/calls"
. "$home/script"
