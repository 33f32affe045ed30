package ours.tokens_chained

default valid = false

valid {
    count(read) == count(input.path_segments)
    count(links) >= count(read) - 1
}

read := [claims | segment := input.path_segments[_]; [_, claims, _] := io.jwt.decode(segment.token)]

links := [at |
    at := numbers.range(0, count(read) - 2)[_]
    read[at].aud == [read[at + 1].sub]
]
