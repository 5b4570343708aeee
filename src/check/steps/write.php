<?php
// Writes a session as the first page of a visitor does: PHP chooses the id, as in strict mode it takes no other.

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
