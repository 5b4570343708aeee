<?php
// Reads what another process wrote, as the visitor's next page would, and destroys it.

answer(until_failure(array(
    array('read', null, function () use ($question) {
        session_id($question['id']);
        $started = session_start();
        $written = isset($_SESSION['session-check']) ? $_SESSION['session-check'] : null;
        if ($started && $written !== $question['id']) {
            throw new RuntimeException('the session is not what the first process wrote');
        }
        return $started;
    }),
    array('destroy', null, function () {
        return session_destroy();
    }),
)));
