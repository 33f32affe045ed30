package ours.prev_token_signed

default valid = false

valid {
    input.index >= 1
    token := input.path_segments[input.index - 1].token
    io.jwt.verify_es256(token, input.auth_info.certificate)
    [_, claims, _] := io.jwt.decode(token)
    claims.sub == input.service_spiffe_id
}
