-- Asks for several keys in turn: wrk -s keys.lua URL -- SIZE KEYS
-- SPDX-License-Identifier: Apache-2.0
local requests, count, turn = {}, 1, 0

function init(args)
    count = tonumber(args[2])
    for key = 1, count do
        local path = "/api/" .. args[1] .. "/key" .. key .. ".json?v=1"
        requests[key] = wrk.format("GET", path)
    end
end

function request()
    turn = turn % count + 1
    return requests[turn]
end
