package ours.tokens_valid

default valid = false

valid { count(read) == count(input.path_segments) }

read := [claims | segment := input.path_segments[_]; [_, claims, _] := io.jwt.decode(segment.token)]
