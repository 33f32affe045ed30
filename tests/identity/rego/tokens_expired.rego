package ours.tokens_expired

default valid = false

valid { count(good) == count(input.path_segments) }

read := [claims | segment := input.path_segments[_]; [_, claims, _] := io.jwt.decode(segment.token)]

good := [claims | claims := read[_]; claims.exp > time.now_ns() / 1000000000]
