<?php
// The calls in PHP files that start a session or move sessions elsewhere, as PHP itself reads the code.

/** A file's tokens without space, comments and the page's text: each with its text, its line and whether it is a name. */
function tokens($file)
{
    $tokens = array();
    $line = 1;
    foreach (token_get_all((string) file_get_contents($file)) as $token) {
        list($kind, $text, $line) = is_array($token) ? $token : array(null, $token, $line);
        if (!in_array($kind, array(T_WHITESPACE, T_COMMENT, T_DOC_COMMENT, T_INLINE_HTML), true)) {
            $tokens[] = array($text, $line, $kind === T_STRING);
        }
    }
    return $tokens;
}

/** The name of the function of PHP's that is called at a place, or null. */
function called($tokens, $at)
{
    $text = function ($at) use ($tokens) {
        return isset($tokens[$at]) ? $tokens[$at][0] : '';
    };
    // PHP 7 has `\` as a token of its own; PHP 8 has the whole name as one.
    $before = $text($at - 1) === '\\' ? $at - 2 : $at - 1;
    $qualified = $before === $at - 2 && isset($tokens[$before]) && $tokens[$before][2];
    // A method, or the app's own function of that name.
    if ($qualified || $text($at + 1) !== '(' || in_array(strtolower($text($before)), array('->', '?->', '::', 'function', 'new'), true)) {
        return null;
    }
    return strtolower(ltrim($text($at), '\\'));
}

/** What of interest is called at a place, or null. */
function call_at($tokens, $at)
{
    $name = called($tokens, $at);
    $first = $name !== null && isset($tokens[$at + 2]) ? $tokens[$at + 2][0] : ')';
    switch ($name) {
        case 'session_set_save_handler':
            return 'session_set_save_handler()';
        case 'session_save_path':
        case 'session_module_name':
            // Without an argument they only return the value.
            return $first === ')' ? null : "$name()";
        case 'ini_set':
        case 'ini_alter':
            return preg_match('/^["\']session\.save_/', $first) ? "ini_set('session.save_…')" : null;
        case 'session_start':
            for ($next = $at + 2; $first !== ')' && isset($tokens[$next]) && $tokens[$next][0] !== ';'; $next++) {
                if (in_array($tokens[$next][0], array("'save_path'", '"save_path"'), true)) {
                    return "session_start(['save_path' => …])";
                }
            }
            return 'session_start()';
    }
    return null;
}

$calls = array();
foreach ($question['files'] as $file) {
    $tokens = tokens($file);
    foreach (array_keys($tokens) as $at) {
        $what = call_at($tokens, $at);
        if ($what !== null) {
            $calls[] = array('file' => $file, 'line' => $tokens[$at][1], 'what' => $what);
        }
    }
}
answer($calls);
