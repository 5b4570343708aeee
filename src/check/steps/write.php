<?php
// Writes a session as a visitor's first page would. PHP chooses the id: in strict mode it accepts no other.

$parts = until_failure(array(
    array('start', null, function () {
        return session_start();
    }),
    array('write', null, function () {
        $_SESSION['session-check'] = session_id();
        return session_write_close();
    }),
));
answer(array('parts' => $parts, 'id' => session_id()));
