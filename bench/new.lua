-- Asks for what nobody has asked for: wrk -s new.lua URL -- SIZE SERIES
-- SPDX-License-Identifier: Apache-2.0
local prefix, count = "", 0

function init(args)
    prefix = "/api/" .. args[1] .. "/new" .. args[2] .. "-"
end

function request()
    count = count + 1
    return wrk.format("GET", prefix .. count .. ".json")
end
