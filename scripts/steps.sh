# Sourced: runs steps in parallel, each in a subshell with its own log. One line shows what runs and for how long; each
# step that ends prints its time. Must run in macOS's bash 3.2: no associative arrays, no `wait -n`.

labels=() pids=() logs=() begins=()

start() { # start LABEL COMMAND…: starts a step in its own process group
  local label=$1 log
  shift
  log=$(mktemp)
  set -m
  ("$@") >"$log" 2>&1 </dev/null &
  set +m
  labels+=("$label")
  pids+=($!)
  logs+=("$log")
  begins+=($SECONDS)
}

# However the script ends, its steps end too.
stop_steps() {
  local pid
  for pid in ${pids[@]+"${pids[@]}"}; do
    if [ -n "$pid" ]; then kill -- "-$pid" 2>/dev/null || true; fi
  done
}
trap stop_steps EXIT
trap 'exit 130' INT TERM

# The progress line: in place on a terminal, else a new one now and then, so that a log shows progress but stays short.
running=
last_line=$SECONDS
show_running() {
  if [ -t 1 ]; then
    printf '\r\033[K[%s] %s s:%s' "$speaker" "$SECONDS" "${running%,}"
  elif [ $((SECONDS - last_line)) -ge 15 ]; then
    say "$SECONDS s:${running%,} …"
    last_line=$SECONDS
  fi
}
hide_running() { if [ -t 1 ]; then printf '\r\033[K'; fi; }

await() { # waits for every started step; the first one that fails ends them all and prints its log
  local left=1 step
  while [ "$left" -gt 0 ]; do
    left=0 running=
    for step in "${!pids[@]}"; do
      [ -n "${pids[$step]}" ] || continue
      if kill -0 "${pids[$step]}" 2>/dev/null; then
        left=$((left + 1))
        running="$running ${labels[$step]} ($((SECONDS - begins[step])) s),"
        continue
      fi
      hide_running
      if ! wait "${pids[$step]}"; then
        cat "${logs[$step]}" >&2
        pids[step]=
        die "failed: ${labels[$step]}"
      fi
      say "${labels[$step]}: $((SECONDS - begins[step])) s"
      rm -f "${logs[$step]}"
      pids[step]=
      last_line=$SECONDS
    done
    [ "$left" = 0 ] && break
    show_running
    sleep 0.2
  done
  hide_running
}

step() { start "$@"; await; } # a single step
