<?php
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Route;

// Counts a visitor's requests in the session.
Route::get('/', function (Request $request) {
    $session = $request->session();
    $session->put('count', $session->get('count', 0) + 1);
    return $session->get('count') . ', ' . config('session.driver') . ', Laravel ' . app()->version();
});
